"""Reads a perfetto trace with perfetto's own protobuf definitions, and prints what it has as JSON."""
import collections
import json
import sys

from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as pb


def unknown(message):
    """How many fields of it, and of all messages in it, perfetto does not define."""
    found = len(UnknownFieldSet(message))
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE:
            continue
        many = value if isinstance(value, collections.abc.Sequence) or hasattr(value, "append") else [value]
        found += sum(unknown(one) for one in many)
    return found


trace = pb.Trace()
with open(sys.argv[1], "rb") as file:
    trace.ParseFromString(file.read())
tracks, types, names = {}, collections.Counter(), {}
slices = []
for packet in trace.packet:
    for name in packet.interned_data.event_names:
        names[name.iid] = name.name
    if packet.HasField("track_descriptor"):
        track = packet.track_descriptor
        tracks[track.uuid] = track.name or track.process.process_name
    if packet.HasField("track_event"):
        event = packet.track_event
        types[pb.TrackEvent.Type.Name(event.type)] += 1
        if event.track_uuid not in tracks:
            sys.exit(f"an event on the unknown track {event.track_uuid}")
        if event.type == pb.TrackEvent.TYPE_SLICE_BEGIN:
            slices.append([tracks[event.track_uuid], names[event.name_iid], packet.timestamp])
print(json.dumps({
    "unknown": unknown(trace),
    "tracks": sorted(tracks.values()),
    "types": types,
    "slices": slices,
}))
