# Copy to terraform.tfvars (git ignores it) and change every value; nothing here is secret.
project_id        = "example-creditrisk"
region            = "europe-west3"
zone              = "europe-west3-a"
bucket_name       = "example-lender-creditrisk-production"
tunnel_members    = ["group:credit-platform@example.org"]
github_repository = "example-lender/creditrisk"
