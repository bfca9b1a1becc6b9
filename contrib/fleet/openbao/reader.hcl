# A machine that uses the token, and can do nothing else.
path "secret/data/spotinst/token" {
  capabilities = ["read"]
}
