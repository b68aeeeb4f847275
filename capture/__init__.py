"""Wi-Fi frames from the air or a file as JSON records in the topic `pcap`."""
