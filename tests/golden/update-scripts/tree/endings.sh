@echo off
build.bat
test.bat
