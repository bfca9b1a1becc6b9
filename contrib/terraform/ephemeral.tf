# For Terraform 1.10 or OpenTofu 1.11 and newer, if you cannot change how they are run: an ephemeral resource is stored
# neither in the state nor in a saved plan. Its command runs at plan and again at apply.
terraform {
  required_providers {
    local = {
      source  = "hashicorp/local"
      version = ">= 2.7.0"
    }
    spotinst = {
      source = "spotinst/spotinst"
    }
  }
}

ephemeral "local_command" "spotinst" {
  command   = "spotinst-cred"
  arguments = ["--format", "terraform", "--min-ttl", "30m"]
}

locals {
  spotinst = jsondecode(ephemeral.local_command.spotinst.stdout)
}

provider "spotinst" {
  token   = local.spotinst.token
  account = try(local.spotinst.account, null)
}
