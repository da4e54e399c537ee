# Wrong values are refused before anything is made, each with what to do.

mock_provider "aws" {}

variables {
  account_id          = "123456789012"
  region              = "eu-central-1"
  availability_zones  = ["eu-central-1a", "eu-central-1b"]
  bucket_name         = "example-creditrisk"
  allowed_cidrs       = ["10.0.0.0/8"]
  certificate_arn     = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
  book                = "home_credit"
  image               = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/creditrisk-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  mlflow_tracking_uri = "https://mlflow.example.org"
  github_repository   = "example-lender/creditrisk"
  alarm_emails        = ["credit-platform@example.org"]
}

run "values_that_fit_make_everything" {
  command = apply

  assert {
    condition     = output.cluster == "creditrisk" && output.service == "creditrisk-api" && length(output.secrets) == 6 && length(output.repositories) == 4
    error_message = "the outputs tell what the next steps need"
  }
}

run "everybody_is_not_a_caller" {
  command         = plan
  expect_failures = [var.allowed_cidrs]
  variables {
    allowed_cidrs = ["0.0.0.0/0"]
  }
}

run "what_must_go_together_does" {
  command         = plan
  expect_failures = [var.availability_zones, var.memory]
  variables {
    availability_zones = ["us-east-1a"]
    memory             = 1000
  }
}

run "wrong_values_are_refused" {
  command = plan
  expect_failures = [
    var.account_id, var.region, var.environment, var.bucket_name, var.vpc_cidr, var.certificate_arn,
    var.book, var.image, var.mlflow_tracking_uri, var.desired_count, var.cpu, var.database_instance_class,
    var.github_repository, var.github_oidc_provider_arn, var.alarm_emails, var.log_retention_days,
  ]
  variables {
    account_id               = "my-account"
    region                   = "Frankfurt"
    environment              = "test"
    bucket_name              = "With.Dots"
    vpc_cidr                 = "10.0.0.0/24"
    certificate_arn          = "example.org"
    book                     = "Home Credit"
    image                    = "creditrisk-api:latest"
    mlflow_tracking_uri      = "http://user:password@mlflow"
    desired_count            = 1
    cpu                      = 1000
    database_instance_class  = "large"
    github_repository        = "https://github.com/example-lender/*"
    github_oidc_provider_arn = "arn:aws:iam::123456789012:role/x"
    alarm_emails             = []
    log_retention_days       = 30
  }
}
