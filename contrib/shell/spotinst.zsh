# For ~/.zshrc: the programs named here get a token whenever they run, so that the shell itself never holds one that
# grows old, and no password. `spotinst_env` puts the variables into this shell, for all else.
for spotinst_program in terraform tofu pulumi spotctl; do
    functions[$spotinst_program]="spotinst-cred exec --min-ttl 30m -- $spotinst_program \"\$@\""
done
unset spotinst_program

spotinst_env() {
    local variables
    variables=$(spotinst-cred --format sh --min-ttl 30m) || return
    eval "$variables"
}
