"""What the DAGs share. Nothing here asks Airflow's database, a Variable or a Connection before a task runs."""
