"""The functions that ask `reconciler` what to offer, one script for each shell.

A name is data in each of them: read line by line, never split, never expanded, never run.
"""

from __future__ import annotations

BASH = r"""# bash 4.4 or newer
_reconciler_complete() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            file) compopt -o default -o filenames ;;
            dir) compopt -o dirnames ;;
            +*) compopt -o nospace; COMPREPLY+=("${line:1}") ;;
            =*) COMPREPLY+=("${line:1}") ;;
        esac
    done < <(
        _RECONCILER_LINE="${COMP_LINE:0:COMP_POINT}" _RECONCILER_BREAKS="$COMP_WORDBREAKS" \
            _RECONCILER_COMPLETE=bash "${1/#\~\//$HOME/}" 2> /dev/null < /dev/null
    )
}
complete -F _reconciler_complete reconciler
"""

ZSH = r"""#compdef reconciler
_reconciler() {
    local line name about files=
    local -a names shown open
    while IFS= read -r line; do
        case $line in
            (file | dir) files=$line ;;
            ('+'*) open+=("${line:1}") ;;
            ('='*)
                name=${${line:1}%%$'\t'*} about=
                [[ $line == *$'\t'* ]] && about="  -- ${line#*$'\t'}"
                names+=("$name") shown+=("$name$about")
                ;;
        esac
    done < <(
        _RECONCILER_COMPLETE=zsh "${${(Q)words[1]}/#\~\//$HOME/}" "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" \
            2> /dev/null < /dev/null
    )
    (( $#open )) && compadd -S '' -a open
    (( $#names )) && compadd -V reconciler -l -d shown -a names
    [[ $PREFIX == *=* && -n $files ]] && compset -P 1 '*='
    [[ $files == file ]] && _files
    [[ $files == dir ]] && _files -/
    return 0
}
if [[ $funcstack[1] == _reconciler ]]; then
    _reconciler "$@"
else
    compdef _reconciler reconciler
fi
"""

FISH = r"""# fish 3.1 or newer
function __reconciler_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l begun (string unescape -- "$typed"; or printf '%s\n' "$typed")
    set -l program $words[1]
    set -e words[1]
    for line in (_RECONCILER_COMPLETE=fish $program $words "$begun" 2> /dev/null < /dev/null)
        switch $line
            case file
                __fish_complete_path "$typed"
            case dir
                __fish_complete_directories "$typed"
            case '=*' '+*'
                string sub -s 2 -- $line
        end
    end
end
complete -c reconciler -f -a '(__reconciler_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
