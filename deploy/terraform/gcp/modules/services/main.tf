# Interfaces of Google that the rest needs. They stay on when this is destroyed: others in the project may use them.

resource "google_project_service" "this" {
  for_each           = toset(var.names)
  project            = var.project_id
  service            = each.key
  disable_on_destroy = false
}
