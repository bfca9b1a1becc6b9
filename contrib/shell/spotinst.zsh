# For ~/.zshrc: the programs named here get a valid token each time they run, so the shell itself holds no token that
# expires, and no password. For other programs, `spotinst_env` sets the variables in this shell.
for spotinst_program in terraform tofu pulumi spotctl; do
    functions[$spotinst_program]="spotinst-cred exec --min-ttl 30m -- $spotinst_program \"\$@\""
done
unset spotinst_program

spotinst_env() {
    local variables
    variables=$(spotinst-cred --format sh --min-ttl 30m) || return
    eval "$variables"
}
