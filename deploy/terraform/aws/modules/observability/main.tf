# What wakes somebody, and what they look at first. Figures of models come from `creditrisk metrics` (docs/notifications.md),
# once a night; an alarm on them keeps its state in between.

locals {
  target  = { LoadBalancer = var.load_balancer_suffix, TargetGroup = var.target_group_suffix }
  service = { ClusterName = var.cluster_name, ServiceName = var.service_name }

  of_service = {
    errors = {
      says       = "The API answers with errors of its own: its log (level error) says where."
      namespace  = "AWS/ApplicationELB"
      metric     = "HTTPCode_Target_5XX_Count"
      dimensions = local.target
      statistic  = "Sum"
      comparison = "GreaterThanThreshold"
      threshold  = 5
      periods    = 5
      missing    = "notBreaching"
    }
    slow = {
      says       = "One answer in a hundred takes more than a second: creditrisk_stage_seconds says where the time goes."
      namespace  = "AWS/ApplicationELB"
      metric     = "TargetResponseTime"
      dimensions = local.target
      statistic  = "p99"
      comparison = "GreaterThanThreshold"
      threshold  = 1
      periods    = 10
      missing    = "notBreaching"
    }
    unhealthy = {
      says       = "A task does not answer /health: the service's events and its log say why."
      namespace  = "AWS/ApplicationELB"
      metric     = "UnHealthyHostCount"
      dimensions = local.target
      statistic  = "Maximum"
      comparison = "GreaterThanThreshold"
      threshold  = 0
      periods    = 5
      missing    = "notBreaching"
    }
    none_left = {
      says       = "Fewer tasks answer than should: callers may get no decision."
      namespace  = "AWS/ApplicationELB"
      metric     = "HealthyHostCount"
      dimensions = local.target
      statistic  = "Minimum"
      comparison = "LessThanThreshold"
      threshold  = min(1, var.desired_count)
      periods    = 3
      missing    = var.desired_count == 0 ? "notBreaching" : "breaching"
    }
    cpu = {
      says       = "Tasks have worked at more than 85 % for 15 minutes: more of them (desired_count), or larger ones."
      namespace  = "AWS/ECS"
      metric     = "CPUUtilization"
      dimensions = local.service
      statistic  = "Average"
      comparison = "GreaterThanThreshold"
      threshold  = 85
      periods    = 15
      missing    = "notBreaching"
    }
    memory = {
      says       = "Tasks use more than 85 % of their memory and may be stopped: raise memory."
      namespace  = "AWS/ECS"
      metric     = "MemoryUtilization"
      dimensions = local.service
      statistic  = "Maximum"
      comparison = "GreaterThanThreshold"
      threshold  = 85
      periods    = 10
      missing    = "notBreaching"
    }
    database_space = {
      says       = "Less than 5 GB are left to the decision store; no decision is answered that cannot be kept."
      namespace  = "AWS/RDS"
      metric     = "FreeStorageSpace"
      dimensions = { DBInstanceIdentifier = var.database_identifier }
      statistic  = "Minimum"
      comparison = "LessThanThreshold"
      threshold  = 5000000000
      periods    = 5
      missing    = "notBreaching"
    }
  }

  # Labels besides the book (model, severity, stage) come and go: these ask over all of them.
  of_models = {
    critical = {
      says  = "Monitoring has a critical alarm open: creditrisk monitor alarms says what moved."
      query = "SELECT MAX(\"creditrisk_alarms_open\") FROM \"${var.metric_namespace}\" WHERE \"book\" = '${var.book}' AND \"severity\" = 'critical'"
      least = 1
    }
    drift = {
      says  = "Those who apply are not those whom the model learnt from: creditrisk monitor drift says in what."
      query = "SELECT MAX(\"creditrisk_drift_verdict\") FROM \"${var.metric_namespace}\" WHERE \"book\" = '${var.book}'"
      least = 2
    }
    stale = {
      says  = "A raw table is older than the book allows: creditrisk freshness says which."
      query = "SELECT MAX(\"creditrisk_table_stale\") FROM \"${var.metric_namespace}\" WHERE \"book\" = '${var.book}'"
      least = 1
    }
    overdue = {
      says  = "A stage should have run again by now: creditrisk monitor alarms says which."
      query = "SELECT MAX(\"creditrisk_stage_overdue\") FROM \"${var.metric_namespace}\" WHERE \"book\" = '${var.book}'"
      least = 1
    }
    retrain = {
      says  = "There are reasons to learn the model anew: creditrisk retrain says which."
      query = "SELECT MAX(\"creditrisk_retrain_trigger_open\") FROM \"${var.metric_namespace}\" WHERE \"book\" = '${var.book}'"
      least = 1
    }
  }
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = var.alarm_emails
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "service" {
  for_each            = local.of_service
  alarm_name          = "${var.service_name}-${replace(each.key, "_", "-")}"
  alarm_description   = each.value.says
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  period              = 60
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "model" {
  for_each            = local.of_models
  alarm_name          = "creditrisk-${var.book}-${each.key}"
  alarm_description   = each.value.says
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.least
  evaluation_periods  = 1
  treat_missing_data  = "ignore" # figures come once a night: until the next, what was told holds
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "told"
    expression  = each.value.query
    period      = 3600
    return_data = true
  }
}

# The age itself is always near 0, for it is told when it is written. That nothing comes any more is what counts.
resource "aws_cloudwatch_metric_alarm" "silent" {
  alarm_name          = "creditrisk-${var.book}-silent"
  alarm_description   = "No figures came for two days: does the schedule still run creditrisk metrics?"
  namespace           = var.metric_namespace
  metric_name         = "creditrisk_figures_written_age_seconds"
  dimensions          = { book = var.book }
  statistic           = "SampleCount"
  period              = 86400
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

locals {
  # Figure -> its labels, in order: a search asks for exactly these.
  labels = {
    creditrisk_alarms_open      = "book,model,severity"
    creditrisk_score_psi_latest = "book,model"
    creditrisk_drift_columns    = "book,model,verdict"
    creditrisk_performance      = "book,figure,model"
    creditrisk_outcomes         = "book,model,state"
    creditrisk_table_stale      = "book,table"
  }
  searches = {
    for metric, labels in local.labels :
    metric => "SEARCH('{${var.metric_namespace},${labels}} MetricName=\"${metric}\" book=\"${var.book}\"', 'Maximum', 86400)"
  }

  of_api = {
    "Answers" = [
      ["AWS/ApplicationELB", "RequestCount", "LoadBalancer", var.load_balancer_suffix, { stat = "Sum" }],
      ["AWS/ApplicationELB", "HTTPCode_Target_4XX_Count", "LoadBalancer", var.load_balancer_suffix, { stat = "Sum" }],
      ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "LoadBalancer", var.load_balancer_suffix, { stat = "Sum" }],
    ]
    "Decision store" = [
      ["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", var.database_identifier],
      ["AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", var.database_identifier],
      ["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", var.database_identifier],
    ]
    "Seconds for an answer" = [
      ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.load_balancer_suffix, { stat = "p50" }],
      ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.load_balancer_suffix, { stat = "p99" }],
    ]
    "Tasks" = [
      ["AWS/ApplicationELB", "HealthyHostCount", "TargetGroup", var.target_group_suffix, "LoadBalancer", var.load_balancer_suffix, { stat = "Minimum" }],
      ["AWS/ECS", "CPUUtilization", "ClusterName", var.cluster_name, "ServiceName", var.service_name],
      ["AWS/ECS", "MemoryUtilization", "ClusterName", var.cluster_name, "ServiceName", var.service_name],
    ]
  }

  widgets_of_api = [
    for position, title in sort(keys(local.of_api)) : {
      type   = "metric"
      x      = 6 * position
      y      = 0
      width  = 6
      height = 6
      properties = {
        title   = title
        region  = var.region
        view    = "timeSeries"
        period  = 60
        metrics = local.of_api[title]
      }
    }
  ]
  widgets_of_models = [
    for position, metric in sort(keys(local.searches)) : {
      type   = "metric"
      x      = 8 * (position % 3)
      y      = 6 + 6 * floor(position / 3)
      width  = 8
      height = 6
      properties = {
        title   = "${trimprefix(metric, "creditrisk_")} (${var.book})"
        region  = var.region
        view    = "timeSeries"
        period  = 86400
        metrics = [[{ expression = local.searches[metric], id = "e${position}" }]]
      }
    }
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({ widgets = concat(local.widgets_of_api, local.widgets_of_models) })
}
