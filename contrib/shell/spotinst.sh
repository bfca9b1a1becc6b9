# For scripts of sh, dash, bash, ksh and zsh: `. ./spotinst.sh` sets and exports SPOTINST_TOKEN and, if it is known,
# SPOTINST_ACCOUNT and SPOTINST_ACCOUNT_ID. Without a token the script exits with the program's status, which
# `export X=$(...)` would hide.
spotinst_variables=$(spotinst-cred --format sh --min-ttl 30m) || exit
eval "$spotinst_variables"
unset spotinst_variables
