output "cluster_name" {
  value = aws_ecs_cluster.this.name
}

output "name" {
  value = aws_ecs_service.this.name
}

output "security_group_id" {
  value = aws_security_group.this.id
}

output "log_group_arn" {
  value = aws_cloudwatch_log_group.this.arn
}
