# Every alarm reaches somebody and says what to look at; nights without figures do not ring as if all were well.

mock_provider "aws" {}

run "alarms_reach_somebody" {
  command = apply
  module {
    source = "./modules/observability"
  }
  variables {
    name                 = "creditrisk"
    region               = "eu-central-1"
    book                 = "home_credit"
    metric_namespace     = "CreditRisk"
    cluster_name         = "creditrisk"
    service_name         = "creditrisk-api"
    load_balancer_suffix = "app/creditrisk/1"
    target_group_suffix  = "targetgroup/creditrisk-api/1"
    database_identifier  = "creditrisk"
    desired_count        = 2
    key_arn              = "arn:aws:kms:eu-central-1:123456789012:key/example"
    alarm_emails         = ["credit-platform@example.org"]
  }

  assert {
    condition     = alltrue([for alarm in merge(aws_cloudwatch_metric_alarm.service, aws_cloudwatch_metric_alarm.model, { silent = aws_cloudwatch_metric_alarm.silent }) : length(alarm.alarm_actions) == 1 && length(alarm.alarm_description) > 20])
    error_message = "an alarm rings somewhere and says what to look at"
  }
  assert {
    condition     = length(aws_sns_topic_subscription.email) == 1 && aws_sns_topic.alarms.kms_master_key_id != null
    error_message = "the topic has a listener, and is encrypted"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.silent.treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.service["none_left"].treat_missing_data == "breaching"
    error_message = "silence is an alarm where something should be heard"
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.model : alarm.treat_missing_data == "ignore"])
    error_message = "between two nights, what was told holds"
  }
}

run "nothing_runs_yet_is_no_alarm" {
  command = plan
  module {
    source = "./modules/observability"
  }
  variables {
    name                 = "creditrisk"
    region               = "eu-central-1"
    book                 = "home_credit"
    metric_namespace     = "CreditRisk"
    cluster_name         = "creditrisk"
    service_name         = "creditrisk-api"
    load_balancer_suffix = "app/creditrisk/1"
    target_group_suffix  = "targetgroup/creditrisk-api/1"
    database_identifier  = "creditrisk"
    desired_count        = 0
    key_arn              = "arn:aws:kms:eu-central-1:123456789012:key/example"
    alarm_emails         = ["credit-platform@example.org"]
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.service["none_left"].threshold == 0 && aws_cloudwatch_metric_alarm.service["none_left"].treat_missing_data == "notBreaching"
    error_message = "before the first image nobody is called"
  }
}
