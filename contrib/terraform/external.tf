# For Terraform before 1.10 and OpenTofu before 1.11, if you cannot change how they are run. Prefer exec.tf, or
# ephemeral.tf with newer versions: the result of a data source is stored in the state, so everyone who can read the state
# can use the token for two hours. It is not renewed during a run.
terraform {
  required_providers {
    external = {
      source = "hashicorp/external"
    }
    spotinst = {
      source = "spotinst/spotinst"
    }
  }
}

data "external" "spotinst" {
  program = ["spotinst-cred", "--format", "terraform", "--min-ttl", "30m"]
}

provider "spotinst" {
  token   = data.external.spotinst.result.token
  account = lookup(data.external.spotinst.result, "account", null)
}
