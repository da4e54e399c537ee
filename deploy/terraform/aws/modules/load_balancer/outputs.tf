output "security_group_id" {
  value = aws_security_group.this.id
}

output "target_group_arn" {
  value      = aws_lb_target_group.this.arn
  depends_on = [aws_lb_listener.https] # ECS refuses a target group that no load balancer uses yet
}

output "target_group_arn_suffix" {
  value = aws_lb_target_group.this.arn_suffix
}

output "arn_suffix" {
  value = aws_lb.this.arn_suffix
}

output "dns_name" {
  value = aws_lb.this.dns_name
}

output "listener_arn" {
  value = aws_lb_listener.https.arn
}
