# For ~/.config/fish/conf.d: the programs named here get a valid token each time they run, so the shell itself holds no
# token that expires, and no password. For other programs, `spotinst_env` sets the variables in this shell.
for program in terraform tofu pulumi spotctl
    function $program --wraps $program --inherit-variable program
        spotinst-cred exec --min-ttl 30m -- $program $argv
    end
end

function spotinst_env
    set --local variables (spotinst-cred --format fish --min-ttl 30m); or return
    string join \n $variables | source
end
