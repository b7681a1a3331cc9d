"""Live builds → the files of a tree that a team wants to keep.

Enters: builds as the server showed them, and the tree that is there already. Leaves: files (path → text),
and notes of what a person should look at. Pure: it reads and writes no file, and asks no server.
Forbidden here: the clear text of a credential.
"""
