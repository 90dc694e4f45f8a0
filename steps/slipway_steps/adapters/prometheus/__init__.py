"""The adapter of Prometheus: what it has scraped, and the Pushgateway, which it scrapes."""
