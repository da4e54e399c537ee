# The machine for Airflow and MLflow, the API on Cloud Run; its callers have accounts of their own.
project_id        = "example-creditrisk-staging"
region            = "europe-west3"
zone              = "europe-west3-b"
environment       = "staging"
bucket_name       = "example-lender-creditrisk-staging"
tunnel_members    = ["group:credit-platform@example.org", "user:on-call@example.org"]
api_allowed_cidrs = ["10.20.0.0/16"]
github_repository = "example-lender/creditrisk"
protected         = false
cloud_run = {
  image               = "europe-west3-docker.pkg.dev/example-creditrisk-staging/creditrisk/creditrisk-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  book                = "lending_club"
  mlflow_tracking_uri = "https://mlflow.example.org"
  invokers            = ["serviceAccount:underwriting@example-lender.iam.gserviceaccount.com"]
}
