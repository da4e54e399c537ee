output "host" {
  value = "${var.region}-docker.pkg.dev"
}

output "url" {
  value = "${var.region}-docker.pkg.dev/${var.project_id}/${var.name}"
}
