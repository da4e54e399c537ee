# Names only. Values are put with the AWS CLI (README.md), so that no state, plan or variable ever holds one.

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57: they are rotated by hand with overlap (two keys are read while one is replaced), see docs/terraform.md; no function could
  for_each                = toset(var.names)
  name                    = "${var.prefix}/${each.key}"
  kms_key_id              = var.key_arn
  recovery_window_in_days = 30
}
