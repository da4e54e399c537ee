# The first apply: no task runs until the image was pushed and the secrets have values.
account_id          = "123456789012"
region              = "eu-central-1"
availability_zones  = ["eu-central-1a", "eu-central-1b"]
environment         = "staging"
bucket_name         = "example-lender-creditrisk-staging"
allowed_cidrs       = ["10.0.0.0/8"]
certificate_arn     = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-4000-8000-000000000000"
book                = "lending_club"
image               = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/creditrisk-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
mlflow_tracking_uri = "https://mlflow.example.org"
github_repository   = "example-lender/creditrisk"
alarm_emails        = ["credit-platform@example.org"]
desired_count       = 0
protected           = false
