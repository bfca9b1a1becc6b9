# For elvish's rc.elv: the programs named here get a valid token each time they run, so the shell itself holds no token
# that expires, and no password. For other programs, `spotinst-env` sets the variables in this shell.
fn terraform {|@arguments| e:spotinst-cred exec --min-ttl 30m -- terraform $@arguments }
fn tofu {|@arguments| e:spotinst-cred exec --min-ttl 30m -- tofu $@arguments }
fn pulumi {|@arguments| e:spotinst-cred exec --min-ttl 30m -- pulumi $@arguments }
fn spotctl {|@arguments| e:spotinst-cred exec --min-ttl 30m -- spotctl $@arguments }

fn spotinst-env {
  var token = (e:spotinst-cred --format json --min-ttl 30m | from-json)
  set-env SPOTINST_TOKEN $token[access_token]
  if (has-key $token account) {
    set-env SPOTINST_ACCOUNT $token[account]
    set-env SPOTINST_ACCOUNT_ID $token[account]
  }
}
