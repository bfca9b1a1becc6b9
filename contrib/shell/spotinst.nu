# For Nushell's config.nu: the programs named here get a valid token each time they run, so the shell itself holds no
# token that expires, and no password. For other programs, `spotinst-env` sets the variables in this shell.
alias terraform = spotinst-cred exec --min-ttl 30m -- terraform
alias tofu = spotinst-cred exec --min-ttl 30m -- tofu
alias pulumi = spotinst-cred exec --min-ttl 30m -- pulumi
alias spotctl = spotinst-cred exec --min-ttl 30m -- spotctl

def --env spotinst-env [] {
    let token = spotinst-cred --format json --min-ttl 30m | from json
    load-env {SPOTINST_TOKEN: $token.access_token}
    if "account" in $token { load-env {SPOTINST_ACCOUNT: $token.account, SPOTINST_ACCOUNT_ID: $token.account} }
}
