output "name" {
  value = google_compute_instance.this.name
}

output "address" {
  value = google_compute_instance.this.network_interface[0].network_ip
}
