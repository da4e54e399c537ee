output "endpoint" {
  value = aws_db_instance.this.endpoint
}

output "identifier" {
  value = aws_db_instance.this.identifier
}

output "master_secret_arn" {
  value = one(aws_db_instance.this.master_user_secret[*].secret_arn)
}
