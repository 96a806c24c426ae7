# bash completion for mtasts-host(1); tests/cli holds it against the command table.

_mtasts_host() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command="" i
    COMPREPLY=()

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -c | --config | --log-format) ((i++)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done

    case $before in
    -c | --config | -o | --output | --since)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --log-format)
        mapfile -t COMPREPLY < <(compgen -W "text json" -- "$word")
        return
        ;;
    --mode)
        mapfile -t COMPREPLY < <(compgen -W "testing enforce none" -- "$word")
        return
        ;;
    -f | --format)
        mapfile -t COMPREPLY < <(compgen -W "zone nsupdate json ndjson" -- "$word")
        return
        ;;
    esac

    local globals="-c --config --log-format -h --help -V --version"
    local options="" files=""
    case $command in
    "") options="bump-id export import init lint record reload serve status" ;;
    bump-id) options="-a --all --check -n --dry-run -f --format --since --strict" ;;
    export) options="--delete" files=yes ;;
    import) options="--no-shared -o --output" files=yes ;;
    init) options="--mode --mx -o --output" ;;
    lint) options="--json --strict" files=yes ;;
    record) options="-a --all -f --format --setup" ;;
    reload) options="--accept-removals --json" ;;
    serve) options="--check" ;;
    status) options="--json" ;;
    esac

    if [[ $word == -* || -z $files ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options $globals" -- "$word")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -F _mtasts_host mtasts-host
