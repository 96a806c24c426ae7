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
            command+=${command:+ }${COMP_WORDS[i]}
            case $command in
            account | cert | plan) ;; # another word says which
            *) break ;;
            esac
            ;;
        esac
    done

    case $before in
    -c | --config | -o | --output | --since | --cache | --trust | --trust-only)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --log-format)
        mapfile -t COMPREPLY < <(compgen -W "text json" -- "$word")
        return
        ;;
    --reason)
        local reasons="unspecified key-compromise affiliation-changed superseded"
        mapfile -t COMPREPLY < <(compgen -W "$reasons cessation-of-operation" -- "$word")
        return
        ;;
    --mode)
        local modes="testing enforce none"
        [[ $command == set ]] && modes="testing enforce"
        mapfile -t COMPREPLY < <(compgen -W "$modes" -- "$word")
        return
        ;;
    --state)
        mapfile -t COMPREPLY < <(compgen -W "testing enforce leaving unknown" -- "$word")
        return
        ;;
    --fail-on)
        mapfile -t COMPREPLY < <(compgen -W "error warning note" -- "$word")
        return
        ;;
    -f | --format)
        local formats="zone nsupdate json ndjson"
        [[ $command == query ]] && formats="text json exim postfix"
        mapfile -t COMPREPLY < <(compgen -W "$formats" -- "$word")
        return
        ;;
    esac

    local globals="-c --config --log-format -h --help -V --version"
    local options="" files=""
    case $command in
    "")
        options="account add bump-id cert check export import init lint list plan query record reload"
        options+=" remove retire serve set status"
        ;;
    account) options="rollover show" ;;
    "account rollover") options="--directory" ;;
    "account show") options="--json" ;;
    cert) options="export import list renew revoke show" ;;
    "cert export") files=yes ;;
    "cert import") options="-n --dry-run" files=yes ;;
    "cert list") options="--json" ;;
    "cert renew") options="--all-failing --wait" ;;
    "cert revoke") options="--reason" ;;
    "cert show") options="--json --pem" ;;
    add) options="--json --max-age --mx --no-check --policy --resolver" ;;
    bump-id)
        options="-a --all --check -n --dry-run -f --format --publish --since --strict"
        options+=" --unserved --url --wait"
        ;;
    check)
        options="-a --all --explain --fail-on --interval --json --resolver --senders --trust"
        options+=" --trust-only --watch"
        ;;
    export) options="--delete" files=yes ;;
    import) options="--live --no-shared -o --output --resolver" files=yes ;;
    init) options="--mode --mx -o --output" ;;
    lint) options="--json --live --mx --resolver --since --strict --txt" files=yes ;;
    list) options="--json --policy --state" ;;
    plan) options="mx" ;;
    "plan mx") options="--add --apply -f --format --json --publish --remove --resolver" ;;
    query) options="--cache -f --format --resolver --trust --trust-only" ;;
    record)
        options="-a --all --at-most -f --format -n --dry-run --prune --publish --setup --strict"
        options+=" --unserved --url --wait"
        ;;
    remove) options="--json --now" ;;
    reload) options="--accept-removals --json" files=yes ;;
    retire) options="-n --dry-run -f --format --json -l --list --max-age --publish" ;;
    serve) options="--check" ;;
    set) options="--json --max-age --mode --mx --no-check --policy --resolver" ;;
    status) options="-o --json --output --prometheus --wait-ready" ;;
    esac

    if [[ $word == -* || -z $files ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options $globals" -- "$word")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -F _mtasts_host mtasts-host
