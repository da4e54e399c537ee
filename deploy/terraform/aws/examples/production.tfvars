# Copy to terraform.tfvars (git ignores it) and change every value; nothing here is secret.
account_id          = "123456789012"
region              = "eu-central-1"
availability_zones  = ["eu-central-1a", "eu-central-1b"]
bucket_name         = "example-lender-creditrisk-production"
allowed_cidrs       = ["10.0.0.0/8"]
certificate_arn     = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-4000-8000-000000000000"
book                = "home_credit"
image               = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/creditrisk-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
mlflow_tracking_uri = "https://mlflow.example.org"
github_repository   = "example-lender/creditrisk"
alarm_emails        = ["credit-platform@example.org"]
