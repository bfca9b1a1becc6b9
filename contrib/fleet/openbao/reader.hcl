# A machine that can read the token and nothing else.
path "secret/data/spotinst/token" {
  capabilities = ["read"]
}
