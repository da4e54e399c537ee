output "task_role_arn" {
  value = aws_iam_role.task.arn
}

output "execution_role_arn" {
  value = aws_iam_role.execution.arn
}

output "deploy_role_arn" {
  value = aws_iam_role.deploy.arn
}
