# Data at rest: every version kept, encrypted, nothing public, TLS only.

mock_provider "aws" {}

run "the_bucket_keeps_versions_and_is_never_public" {
  command = apply
  module {
    source = "./modules/bucket"
  }
  variables {
    name        = "example-creditrisk"
    key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/example"
    account_id  = "123456789012"
    destroyable = false
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "without versions, a file that was overwritten is lost"
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls, aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls, aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "all four ways to the public are closed"
  }
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
    error_message = "the lender's own key encrypts"
  }
  assert {
    condition     = one(one(aws_s3_bucket_lifecycle_configuration.this.rule).noncurrent_version_expiration).noncurrent_days == 365
    error_message = "former versions go after a year"
  }
  assert {
    condition     = anytrue([for told in jsondecode(aws_s3_bucket_policy.this.policy).Statement : told.Effect == "Deny" && told.Sid == "OnlyTls"])
    error_message = "what comes without TLS is refused"
  }
  assert {
    condition     = aws_s3_bucket.this.force_destroy == false
    error_message = "a bucket with data is not deleted"
  }
}

run "a_release_keeps_its_tag" {
  command = apply
  module {
    source = "./modules/registry"
  }
  variables {
    names   = ["creditrisk-api", "creditrisk-batch"]
    key_arn = "arn:aws:kms:eu-central-1:123456789012:key/example"
  }

  assert {
    condition     = alltrue([for told in aws_ecr_repository.this : told.image_tag_mutability == "IMMUTABLE_WITH_EXCLUSION" && one(told.image_tag_mutability_exclusion_filter).filter == "latest"])
    error_message = "only latest moves"
  }
  assert {
    condition     = alltrue([for told in aws_ecr_repository.this : told.image_scanning_configuration[0].scan_on_push])
    error_message = "images are scanned when they are pushed"
  }
}

run "the_database_is_private_and_terraform_never_sees_its_password" {
  command = apply
  module {
    source = "./modules/database"
  }
  variables {
    name               = "creditrisk"
    vpc_id             = "vpc-1"
    subnet_ids         = ["subnet-1", "subnet-2"]
    client_group_id    = "sg-tasks"
    instance_class     = "db.t4g.medium"
    key_arn            = "arn:aws:kms:eu-central-1:123456789012:key/example"
    protected          = true
    log_retention_days = 400
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "AWS makes, keeps and rotates the master password"
  }
  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.multi_az && aws_db_instance.this.storage_encrypted && aws_db_instance.this.deletion_protection
    error_message = "private, in two zones, encrypted, and not deleted by mistake"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.tasks.referenced_security_group_id == "sg-tasks" && aws_vpc_security_group_ingress_rule.tasks.cidr_ipv4 == null
    error_message = "the tasks alone connect"
  }
}
