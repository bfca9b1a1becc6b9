# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_spotinst_cred_global_optspecs
    string join \n f/format= n/no-newline o/output= section= p/profile= min-ttl= config= cache-dir= timeout= no-cache force-refresh v/verbose h/help V/version
end

function __fish_spotinst_cred_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_spotinst_cred_global_optspecs) -- $cmd 2>/dev/null
    or return 0
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_spotinst_cred_using_subcommand
    set -l cmd (__fish_spotinst_cred_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -s f -l format -d 'Output format (token) [SPOTINST_CRED_FORMAT]' -r -f -a "token\t'The token alone, on one line'
json\t'A JSON document: token, type, expiry, account'
header\t'An HTTP header, for `curl -H @-`'
sh\t'Exports for sh, bash, dash, zsh and ksh, for `eval`'
dotenv\t'Lines of an environment file: .env, docker, systemd'
fish\t'Exports for fish, for `source`'
powershell\t'Assignments for PowerShell, for Invoke-Expression'
github\t'For GitHub Actions: masks the token in the log and appends to GITHUB_ENV'
ini\t'The INI file of the Spotinst SDKs'
yaml\t'The YAML file of the Serverless Framework plugin'
kubernetes\t'An ExecCredential for kubectl and other Kubernetes clients'
terraform\t'An object of strings for the `external` data source of Terraform and OpenTofu'"
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -s o -l output -d 'Write to a file (mode 0600) instead of stdout' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -l section -d 'Section of ini and yaml (default)' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -s p -l profile -d 'Profile to use [SPOTINST_CRED_PROFILE]' -r -f -a "(spotinst-cred profiles --names 2>/dev/null)"
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -l min-ttl -d 'Minimum lifetime left of the token: 30s, 15m, 1h' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -l config -d 'Configuration file [SPOTINST_CRED_CONFIG]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -l cache-dir -d 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -l timeout -d 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -s n -l no-newline -d 'Print no newline after the token'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -l no-cache -d 'Neither read nor write the cache'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -l force-refresh -d 'Get a new token even if the cached one is valid'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -s v -l verbose -d 'Print each step to stderr'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -s V -l version -d 'Print version'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -f -a "completions" -d 'Print the completions of a shell'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -f -a "exec" -d 'Run a program with the token, without the credentials'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -f -a "get" -d 'Answer as a credential helper of Bazel, Buck2 or restish'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -f -a "invalidate" -d 'Forget the cached token if it is the rejected one on stdin'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -f -a "login" -d 'Log in: ask for missing credentials, check them, write a profile'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -f -a "logout" -d 'Forget the cached tokens, and erase secrets in secret stores'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -f -a "profiles" -d 'List the profiles, or choose the default'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -f -a "status" -d 'Show the settings, their sources, and the state of the token'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -f -a "whoami" -d 'Ask the API whose token it is; a short `status --check`'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -f -a "help" -d 'Print the help of a command'
complete -c spotinst-cred -n "__fish_spotinst_cred_needs_command" -f -a "version" -d 'Print the version'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand exec" -s p -l profile -d 'Profile to use [SPOTINST_CRED_PROFILE]' -r -f -a "(spotinst-cred profiles --names 2>/dev/null)"
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand exec" -l min-ttl -d 'Minimum lifetime left of the token: 30s, 15m, 1h' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand exec" -l config -d 'Configuration file [SPOTINST_CRED_CONFIG]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand exec" -l cache-dir -d 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand exec" -l timeout -d 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand exec" -l no-cache -d 'Neither read nor write the cache'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand exec" -l force-refresh -d 'Get a new token even if the cached one is valid'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand exec" -s v -l verbose -d 'Print each step to stderr'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand exec" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand get" -s p -l profile -d 'Profile to use [SPOTINST_CRED_PROFILE]' -r -f -a "(spotinst-cred profiles --names 2>/dev/null)"
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand get" -l min-ttl -d 'Minimum lifetime left of the token: 30s, 15m, 1h' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand get" -l config -d 'Configuration file [SPOTINST_CRED_CONFIG]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand get" -l cache-dir -d 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand get" -l timeout -d 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand get" -l no-cache -d 'Neither read nor write the cache'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand get" -l force-refresh -d 'Get a new token even if the cached one is valid'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand get" -s v -l verbose -d 'Print each step to stderr'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand invalidate" -s p -l profile -d 'Profile to use [SPOTINST_CRED_PROFILE]' -r -f -a "(spotinst-cred profiles --names 2>/dev/null)"
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand invalidate" -l config -d 'Configuration file [SPOTINST_CRED_CONFIG]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand invalidate" -l cache-dir -d 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand invalidate" -l timeout -d 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand invalidate" -s v -l verbose -d 'Print each step to stderr'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand invalidate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand login" -l secret-store -d 'Keep the secrets in this store: osxkeychain, wincred, secretservice, pass' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand login" -s p -l profile -d 'Profile to use [SPOTINST_CRED_PROFILE]' -r -f -a "(spotinst-cred profiles --names 2>/dev/null)"
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand login" -l config -d 'Configuration file [SPOTINST_CRED_CONFIG]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand login" -l cache-dir -d 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand login" -l timeout -d 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand login" -l with-token -d 'Take a permanent token, typed or from stdin'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand login" -l saml -d 'Take a SAML response, pasted or from stdin, for single sign-on'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand login" -s v -l verbose -d 'Print each step to stderr'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand logout" -s p -l profile -d 'Profile to use [SPOTINST_CRED_PROFILE]' -r -f -a "(spotinst-cred profiles --names 2>/dev/null)"
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand logout" -l config -d 'Configuration file [SPOTINST_CRED_CONFIG]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand logout" -l cache-dir -d 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand logout" -l timeout -d 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand logout" -l all -d 'Forget those of all profiles and users'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand logout" -s v -l verbose -d 'Print each step to stderr'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand profiles; and not __fish_seen_subcommand_from use" -l config -d 'Configuration file [SPOTINST_CRED_CONFIG]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand profiles; and not __fish_seen_subcommand_from use" -l json -d 'Print a JSON document'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand profiles; and not __fish_seen_subcommand_from use" -l names -d 'Print the names alone, one on each line'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand profiles; and not __fish_seen_subcommand_from use" -s v -l verbose -d 'Print each step to stderr'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand profiles; and not __fish_seen_subcommand_from use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand profiles; and not __fish_seen_subcommand_from use" -f -a "use" -d 'Make a profile the default'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand profiles; and __fish_seen_subcommand_from use" -l config -d 'Configuration file [SPOTINST_CRED_CONFIG]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand profiles; and __fish_seen_subcommand_from use" -s v -l verbose -d 'Print each step to stderr'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand profiles; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand status" -s p -l profile -d 'Profile to use [SPOTINST_CRED_PROFILE]' -r -f -a "(spotinst-cred profiles --names 2>/dev/null)"
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand status" -l min-ttl -d 'Minimum lifetime left of the token: 30s, 15m, 1h' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand status" -l config -d 'Configuration file [SPOTINST_CRED_CONFIG]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand status" -l cache-dir -d 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand status" -l timeout -d 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand status" -l json -d 'Print a JSON document'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand status" -l check -d 'Ask the API whether the token is accepted, and the secret store whether it answers'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand status" -l no-cache -d 'Neither read nor write the cache'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand status" -l force-refresh -d 'Get a new token even if the cached one is valid'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand status" -s v -l verbose -d 'Print each step to stderr'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand whoami" -s p -l profile -d 'Profile to use [SPOTINST_CRED_PROFILE]' -r -f -a "(spotinst-cred profiles --names 2>/dev/null)"
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand whoami" -l min-ttl -d 'Minimum lifetime left of the token: 30s, 15m, 1h' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand whoami" -l config -d 'Configuration file [SPOTINST_CRED_CONFIG]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand whoami" -l cache-dir -d 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]' -r -F
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand whoami" -l timeout -d 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]' -r
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand whoami" -l no-cache -d 'Neither read nor write the cache'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand whoami" -l force-refresh -d 'Get a new token even if the cached one is valid'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand whoami" -s v -l verbose -d 'Print each step to stderr'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand whoami" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand help" -s h -l help -d 'Print help'
complete -c spotinst-cred -n "__fish_spotinst_cred_using_subcommand version" -s h -l help -d 'Print help'
