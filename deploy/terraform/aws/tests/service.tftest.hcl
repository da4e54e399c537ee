# What decides: names that creditrisk deploy ecs relies on, a rollout that goes back by itself, nothing open.

mock_provider "aws" {}

variables {
  account_id = "123456789012"
  region     = "eu-central-1"
}

run "a_rollout_that_does_not_come_up_goes_back" {
  command = apply
  module {
    source = "./modules/service"
  }
  variables {
    cluster_name       = "creditrisk"
    name               = "creditrisk-api"
    container          = "api"
    port               = 8080
    health_path        = "/health"
    image              = "example/creditrisk-api@sha256:0"
    command            = ["serve", "home_credit"]
    desired_count      = 2
    cpu                = 1024
    memory             = 3072
    vpc_id             = "vpc-1"
    vpc_cidr           = "10.60.0.0/16"
    subnet_ids         = ["subnet-1", "subnet-2"]
    balancer_group_id  = "sg-balancer"
    target_group_arn   = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/x/1"
    task_role_arn      = "arn:aws:iam::123456789012:role/task"
    execution_role_arn = "arn:aws:iam::123456789012:role/execution"
    key_arn            = "arn:aws:kms:eu-central-1:123456789012:key/example"
    log_retention_days = 400
    environment        = { MODEL_ALIAS = "production" }
    secrets            = { CREDITRISK_API_KEYS = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:creditrisk/api-keys" }
  }

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "the circuit breaker goes back to the former definition"
  }
  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 100
    error_message = "old tasks answer until new ones are healthy"
  }
  assert {
    condition     = aws_ecs_cluster.this.name == "creditrisk" && aws_ecs_service.this.name == "creditrisk-api" && aws_ecs_task_definition.this.family == "creditrisk-api"
    error_message = "creditrisk deploy ecs goes by these names"
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].name == "api" && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].portMappings[0].containerPort == 8080
    error_message = "creditrisk deploy ecs goes by these names"
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "10001" && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.capabilities.drop == ["ALL"]
    error_message = "no root, no capabilities, a read-only file system"
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets == [{ name = "CREDITRISK_API_KEYS", valueFrom = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:creditrisk/api-keys" }]
    error_message = "a secret is named, never written"
  }
  assert {
    condition     = !aws_ecs_service.this.network_configuration[0].assign_public_ip && aws_vpc_security_group_ingress_rule.load_balancer.referenced_security_group_id == "sg-balancer"
    error_message = "the load balancer alone reaches the tasks"
  }
}

run "the_load_balancer_is_inside_and_speaks_tls" {
  command = apply
  module {
    source = "./modules/load_balancer"
  }
  variables {
    name            = "creditrisk"
    service_name    = "creditrisk-api"
    port            = 8080
    health_path     = "/health"
    public          = false
    vpc_id          = "vpc-1"
    vpc_cidr        = "10.60.0.0/16"
    subnet_ids      = ["subnet-1", "subnet-2"]
    allowed_cidrs   = ["10.0.0.0/8"]
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
    log_bucket_name = "example-access"
    protected       = true
  }

  assert {
    condition     = aws_lb.this.internal && aws_lb.this.enable_deletion_protection && aws_lb.this.access_logs[0].enabled
    error_message = "inside, protected, and it says who called"
  }
  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && startswith(aws_lb_listener.https.ssl_policy, "ELBSecurityPolicy-TLS13")
    error_message = "nothing is spoken but TLS 1.2 and 1.3"
  }
  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.https) == ["10.0.0.0/8"] && aws_vpc_security_group_ingress_rule.https["10.0.0.0/8"].from_port == 443
    error_message = "the callers that were named, at one port"
  }
  assert {
    condition     = aws_lb_target_group.this.health_check[0].path == "/health" && aws_lb_target_group.this.port == 8080
    error_message = "a task that lives gets requests"
  }
}

run "roles_may_do_what_they_need" {
  command = apply
  module {
    source = "./modules/roles"
  }
  variables {
    name                     = "creditrisk"
    bucket_arn               = "arn:aws:s3:::example"
    repository_arns          = ["arn:aws:ecr:eu-central-1:123456789012:repository/creditrisk-api"]
    secret_arns              = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:creditrisk/api-keys"]
    key_arn                  = "arn:aws:kms:eu-central-1:123456789012:key/example"
    log_group_arn            = "arn:aws:logs:eu-central-1:123456789012:log-group:/creditrisk/api"
    cluster_name             = "creditrisk"
    service_name             = "creditrisk-api"
    metric_namespace         = "CreditRisk"
    github_repository        = "example-lender/creditrisk"
    github_environment       = "production"
    github_oidc_provider_arn = null
  }

  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.task.policy, aws_iam_role_policy.execution.policy, aws_iam_role_policy.deploy.policy] : [
        for statement in jsondecode(policy).Statement : [for action in flatten([statement.Action]) : !strcontains(action, "*")]
      ]
    ]))
    error_message = "no action with a star"
  }
  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.task.policy, aws_iam_role_policy.execution.policy, aws_iam_role_policy.deploy.policy] : [
        for statement in jsondecode(policy).Statement : contains(["RegistryLogin", "SendFigures", "TaskDefinitions"], statement.Sid)
        if contains(flatten([statement.Resource]), "*")
      ]
    ]))
    error_message = "only what knows no resources stands on every resource"
  }
  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.deploy.policy).Statement : statement if statement.Sid == "HandOverRoles"]).Condition.StringEquals["iam:PassedToService"] == "ecs-tasks.amazonaws.com"
    error_message = "the two roles are handed to tasks and to nothing else"
  }
  assert {
    condition     = jsondecode(aws_iam_role.deploy.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:example-lender/creditrisk:environment:production"
    error_message = "one environment of one repository deploys"
  }
  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 1
    error_message = "GitHub's provider is made where the account has none"
  }
}

run "an_account_that_knows_github_keeps_its_provider" {
  command = apply
  module {
    source = "./modules/roles"
  }
  variables {
    name                     = "creditrisk"
    bucket_arn               = "arn:aws:s3:::example"
    repository_arns          = []
    secret_arns              = []
    key_arn                  = "arn:aws:kms:eu-central-1:123456789012:key/example"
    log_group_arn            = "arn:aws:logs:eu-central-1:123456789012:log-group:/creditrisk/api"
    cluster_name             = "creditrisk"
    service_name             = "creditrisk-api"
    metric_namespace         = "CreditRisk"
    github_repository        = "example-lender/creditrisk"
    github_environment       = "staging"
    github_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && jsondecode(aws_iam_role.deploy.assume_role_policy).Statement[0].Principal.Federated == var.github_oidc_provider_arn
    error_message = "a second one would be refused by AWS"
  }
}
