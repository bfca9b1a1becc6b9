# For ~/.config/fish/conf.d: the programs named here get a token whenever they run, so that the shell itself never holds
# one that grows old, and no password. `spotinst_env` puts the variables into this shell, for all else.
for program in terraform tofu pulumi spotctl
    function $program --wraps $program --inherit-variable program
        spotinst-cred exec --min-ttl 30m -- $program $argv
    end
end

function spotinst_env
    set --local variables (spotinst-cred --format fish --min-ttl 30m); or return
    string join \n $variables | source
end
