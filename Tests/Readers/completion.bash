# SPDX-License-Identifier: GPL-2.0-only
#
# Says what bash offers for a command line: completion.bash SCRIPT 'kshim ch'
#
# Sources a completion script as a shell does that has no other, and prints what its function makes of
# the line, the cursor at its end.
set -euo pipefail
shopt -s extglob progcomp
source "$1"
COMP_LINE=$2
COMP_POINT=${#COMP_LINE}
COMP_TYPE=9
COMP_KEY=9
read -ra COMP_WORDS <<<"$COMP_LINE"
[[ $COMP_LINE != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMPREPLY=()
command=${COMP_WORDS[0]}
specification=$(complete -p "$command")
[[ $specification =~ -F\ ([^ ]+) ]]
previous=${COMP_WORDS[COMP_CWORD > 0 ? COMP_CWORD - 1 : 0]}
"${BASH_REMATCH[1]}" "$command" "${COMP_WORDS[COMP_CWORD]}" "$previous"
printf '%s\n' "${COMPREPLY[@]}"
