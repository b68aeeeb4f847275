"""The generated frames contain what the documents describe; the same seed generates the same frames."""

from collections import Counter
from itertools import islice

from bifrost.generators import wifi_frames
from capture.frames import map_frame
from capture.sources import read_file
from capture.vendors import Vendors


def test_the_same_seed_makes_the_same_air():
    first, again, other = (
        list(islice(wifi_frames.FrameGenerator(seed, start_s=0).frames(), 200)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_every_kind_of_frame_is_in_the_air(tmp_path):
    path = tmp_path / "air.pcap"
    assert wifi_frames.main([str(path), "--count", "3000", "--start", "1587225867", "--rate", "100"]) == 0
    mapped = [map_frame(frame, Vendors({})) for frame in read_file(path)]
    records = [found.record for found in mapped if found.record]
    subtypes = Counter(record["wlan_fc_type_subtype"][0] for record in records)
    assert {"4", "8", "27", "28", "29", "36", "32", "40", "5", "0", "11"} <= set(subtypes)
    probes = [record for record in records if record["wlan_fc_type_subtype"] == ["4"]]
    names = {name for record in probes for name in record.get("wlan_ssid", [])}
    assert {"", "RNM0", "RNM-GUEST", "caf\\xe9", "📡 home"} <= names
    assert any(found.is_malformed for found in mapped)
    assert any("wps_device_name" in record for record in probes)
