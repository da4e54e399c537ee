output "names" {
  value = [for service in google_project_service.this : service.service]
}
