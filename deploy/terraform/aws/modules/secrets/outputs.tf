output "arns" {
  value = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
}

output "names" {
  value = sort([for secret in aws_secretsmanager_secret.this : secret.name])
}
