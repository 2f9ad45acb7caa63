#!/bin/bash
# Says something every few seconds until it is told to stop.
trap 'echo "instance ${CF_INSTANCE_INDEX:-0}: boxed after $lap laps"; exit 0' TERM
lap=0
while true; do
  lap=$((lap + 1))
  echo "instance ${CF_INSTANCE_INDEX:-0}: lap $lap"
  sleep "${LAP_SECONDS:-5}" &
  wait $!
done
