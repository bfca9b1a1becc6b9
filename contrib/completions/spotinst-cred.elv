
use builtin;
use str;

set edit:completion:arg-completer[spotinst-cred] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'spotinst-cred'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'spotinst-cred'= {
            cand -f 'Output format (token) [SPOTINST_CRED_FORMAT]'
            cand --format 'Output format (token) [SPOTINST_CRED_FORMAT]'
            cand -o 'Write to a file (mode 0600) instead of stdout'
            cand --output 'Write to a file (mode 0600) instead of stdout'
            cand --section 'Section of ini and yaml (default)'
            cand -p 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --profile 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --min-ttl 'Minimum lifetime left of the token: 30s, 15m, 1h'
            cand --config 'Configuration file [SPOTINST_CRED_CONFIG]'
            cand --cache-dir 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]'
            cand --timeout 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]'
            cand -n 'Print no newline after the token'
            cand --no-newline 'Print no newline after the token'
            cand --no-cache 'Neither read nor write the cache'
            cand --force-refresh 'Get a new token even if the cached one is valid'
            cand -v 'Print each step to stderr'
            cand --verbose 'Print each step to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand completions 'Print the completions of a shell'
            cand exec 'Run a program with the token, without the credentials'
            cand get 'Answer as a credential helper of Bazel, Buck2 or restish'
            cand invalidate 'Forget the cached token if it is the rejected one on stdin'
            cand login 'Log in: ask for missing credentials, check them, write a profile'
            cand logout 'Forget the cached tokens, and erase secrets in secret stores'
            cand profiles 'List the profiles, or choose the default'
            cand status 'Show the settings, their sources, and the state of the token'
            cand whoami 'Ask the API whose token it is; a short `status --check`'
            cand help 'Print the help of a command'
            cand version 'Print the version'
        }
        &'spotinst-cred;completions'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'spotinst-cred;exec'= {
            cand -p 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --profile 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --min-ttl 'Minimum lifetime left of the token: 30s, 15m, 1h'
            cand --config 'Configuration file [SPOTINST_CRED_CONFIG]'
            cand --cache-dir 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]'
            cand --timeout 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]'
            cand --no-cache 'Neither read nor write the cache'
            cand --force-refresh 'Get a new token even if the cached one is valid'
            cand -v 'Print each step to stderr'
            cand --verbose 'Print each step to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'spotinst-cred;get'= {
            cand -p 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --profile 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --min-ttl 'Minimum lifetime left of the token: 30s, 15m, 1h'
            cand --config 'Configuration file [SPOTINST_CRED_CONFIG]'
            cand --cache-dir 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]'
            cand --timeout 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]'
            cand --no-cache 'Neither read nor write the cache'
            cand --force-refresh 'Get a new token even if the cached one is valid'
            cand -v 'Print each step to stderr'
            cand --verbose 'Print each step to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'spotinst-cred;invalidate'= {
            cand -p 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --profile 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --config 'Configuration file [SPOTINST_CRED_CONFIG]'
            cand --cache-dir 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]'
            cand --timeout 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]'
            cand -v 'Print each step to stderr'
            cand --verbose 'Print each step to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'spotinst-cred;login'= {
            cand --secret-store 'Keep the secrets in this store: osxkeychain, wincred, secretservice, pass'
            cand -p 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --profile 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --config 'Configuration file [SPOTINST_CRED_CONFIG]'
            cand --cache-dir 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]'
            cand --timeout 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]'
            cand --with-token 'Take a permanent token, typed or from stdin'
            cand --saml 'Take a SAML response, pasted or from stdin, for single sign-on'
            cand -v 'Print each step to stderr'
            cand --verbose 'Print each step to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'spotinst-cred;logout'= {
            cand -p 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --profile 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --config 'Configuration file [SPOTINST_CRED_CONFIG]'
            cand --cache-dir 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]'
            cand --timeout 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]'
            cand --all 'Forget those of all profiles and users'
            cand -v 'Print each step to stderr'
            cand --verbose 'Print each step to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'spotinst-cred;profiles'= {
            cand --config 'Configuration file [SPOTINST_CRED_CONFIG]'
            cand --json 'Print a JSON document'
            cand --names 'Print the names alone, one on each line'
            cand -v 'Print each step to stderr'
            cand --verbose 'Print each step to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand use 'Make a profile the default'
        }
        &'spotinst-cred;profiles;use'= {
            cand --config 'Configuration file [SPOTINST_CRED_CONFIG]'
            cand -v 'Print each step to stderr'
            cand --verbose 'Print each step to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'spotinst-cred;status'= {
            cand -p 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --profile 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --min-ttl 'Minimum lifetime left of the token: 30s, 15m, 1h'
            cand --config 'Configuration file [SPOTINST_CRED_CONFIG]'
            cand --cache-dir 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]'
            cand --timeout 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]'
            cand --json 'Print a JSON document'
            cand --check 'Ask the API whether the token is accepted, and the secret store whether it answers'
            cand --no-cache 'Neither read nor write the cache'
            cand --force-refresh 'Get a new token even if the cached one is valid'
            cand -v 'Print each step to stderr'
            cand --verbose 'Print each step to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'spotinst-cred;whoami'= {
            cand -p 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --profile 'Profile to use [SPOTINST_CRED_PROFILE]'
            cand --min-ttl 'Minimum lifetime left of the token: 30s, 15m, 1h'
            cand --config 'Configuration file [SPOTINST_CRED_CONFIG]'
            cand --cache-dir 'Directory of the cache [SPOTINST_CRED_CACHE_DIR]'
            cand --timeout 'Time limit of the whole exchange with the server (8s) [SPOTINST_CRED_TIMEOUT]'
            cand --no-cache 'Neither read nor write the cache'
            cand --force-refresh 'Get a new token even if the cached one is valid'
            cand -v 'Print each step to stderr'
            cand --verbose 'Print each step to stderr'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'spotinst-cred;help'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'spotinst-cred;version'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    if (has-value [-p --profile] $words[-2]) {
        spotinst-cred profiles --names 2>/dev/null | each {|name| edit:complex-candidate $name }
    } else {
        $completions[$command]
    }
}
