# For Terraform before 1.10 and OpenTofu before 1.11 where nobody can change how they are run. Prefer exec.tf, or
# ephemeral.tf with newer versions: what a data source returns is kept in the state, so everyone who reads the state has a
# token for two hours. Nothing renews it during a run.
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
