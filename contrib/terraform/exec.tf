# For Terraform and OpenTofu: run `spotinst-cred exec --min-ttl 30m -- terraform apply`. The provider takes token and
# account from the environment, so neither stands in a file, nor in the state.
terraform {
  required_providers {
    spotinst = {
      source = "spotinst/spotinst"
    }
  }
}

provider "spotinst" {}
