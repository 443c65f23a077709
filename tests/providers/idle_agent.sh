#!/bin/sh
# Copyright 2026 the Infranetes authors. Apache-2.0 licence.
# Stands in for the agent where it only has to live: one process, and one that has left its session.
setsid sleep 100000 &
exec sleep 100000
