# For Terraform and OpenTofu: run `spotinst-cred exec --min-ttl 30m -- terraform apply`. The provider reads token and
# account from the environment, so they are in no file and not in the state.
terraform {
  required_providers {
    spotinst = {
      source = "spotinst/spotinst"
    }
  }
}

provider "spotinst" {}
