# A machine that logs in to Spotinst and shares the token.
path "secret/data/spotinst/token" {
  capabilities = ["create", "read", "update"]
}
path "secret/data/spotinst/claim" {
  capabilities = ["create", "read", "update"]
}
# Spotinst's user name and password, if they are kept here too.
path "secret/data/spotinst/login" {
  capabilities = ["read"]
}
