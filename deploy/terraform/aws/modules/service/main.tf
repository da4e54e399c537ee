# The API on Fargate. Terraform makes the first task definition; `creditrisk deploy ecs` registers the next ones with their
# image and moves the service, which Terraform then leaves alone.

locals {
  # What the server writes beside the decision store; a read-only root has no other place. Fargate gives such a volume to
  # the image's user only where the image declares it (VOLUME).
  writable = { workspace = "/workspace", tmp = "/tmp" }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/creditrisk/api"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

resource "aws_ecs_cluster" "this" {
  name = var.cluster_name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  task_role_arn            = var.task_role_arn
  execution_role_arn       = var.execution_role_arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  dynamic "volume" {
    for_each = local.writable
    content {
      name = volume.key
    }
  }

  container_definitions = jsonencode([
    {
      name                   = var.container
      image                  = var.image
      command                = var.command
      essential              = true
      user                   = "10001"
      readonlyRootFilesystem = true
      stopTimeout            = 45 # the server answers what it took in: CREDITRISK_SERVE_SHUTDOWN_SECONDS is 30
      portMappings           = [{ name = "http", containerPort = var.port, protocol = "tcp" }]
      environment            = [for name in sort(keys(var.environment)) : { name = name, value = var.environment[name] }]
      secrets                = [for name in sort(keys(var.secrets)) : { name = name, valueFrom = var.secrets[name] }]
      mountPoints            = [for name in sort(keys(local.writable)) : { sourceVolume = name, containerPath = local.writable[name] }]
      linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
      healthCheck = {
        command     = ["CMD", "python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:${var.port}${var.health_path}', timeout=4)"]
        interval    = 15
        timeout     = 5
        retries     = 3
        startPeriod = 60
      }
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this.name
          awslogs-region        = var.region
          awslogs-stream-prefix = var.container
        }
      }
    },
  ])
}

resource "aws_security_group" "this" {
  name        = var.name
  description = "Tasks of the API"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  security_group_id            = aws_security_group.this.id
  description                  = "The load balancer and nobody else"
  referenced_security_group_id = var.balancer_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.this.id
  description       = "MLflow, and AWS's own services: images, secrets, logs, figures"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "postgres" {
  security_group_id = aws_security_group.this.id
  description       = "The decision store"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = 5432
  to_port           = 5432
}

resource "aws_ecs_service" "this" {
  name                              = var.name
  cluster                           = aws_ecs_cluster.this.id
  task_definition                   = aws_ecs_task_definition.this.arn
  desired_count                     = var.desired_count
  launch_type                       = "FARGATE"
  propagate_tags                    = "SERVICE"
  enable_execute_command            = false
  health_check_grace_period_seconds = 90

  # New tasks are healthy before old ones go; a rollout that does not come up goes back by itself.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = var.target_group_arn
    container_name   = var.container
    container_port   = var.port
  }

  lifecycle {
    ignore_changes = [task_definition] # creditrisk deploy ecs moves it
  }
}
