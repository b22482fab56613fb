#!/bin/bash
# The two nights of 20 minutes, of which the first is killed in the middle. Usage: commands.sh COMPETITIONS
# (medalist on the PATH; house-prices-broken-off.zip beside this script: a download that broke off at 60 % of its bytes)
cd "$(dirname "$0")"
S=$1
for c in playground-series-s3e5 playground-series-s4e2 spaceship-titanic bike-sharing-demand; do medalist night add $S/$c --runs-dir runs; done
medalist night add house-prices-broken-off.zip --runs-dir runs
medalist night list --runs-dir runs
medalist night run --budget 20m --dry-run --runs-dir runs
(medalist night run --budget 20m --runs-dir runs --notify "tee -a told.jsonl" & echo $! > night.pid; wait) > night1-until-killed.log 2>&1 &
sleep 620
date "+%H:%M:%S kill -9 of the night" | tee kill.log
ps -o pid,ppid,etimes,args --ppid $(cat night.pid) | cut -c1-150 >> kill.log
kill -9 $(cat night.pid)
sleep 3
medalist night status --runs-dir runs | tee status-after-kill.txt
date "+%H:%M:%S medalist night run, without a window" | tee -a kill.log
medalist night run --runs-dir runs --notify "tee -a told.jsonl" > night1-continued.log 2>&1
date "+%H:%M:%S ended with exit code $?" | tee -a kill.log
medalist night report --markdown --runs-dir runs > night1.md
medalist night report --runs-dir runs > night1.txt
medalist night run --budget 20m --runs-dir runs --notify "tee -a told.jsonl" > night2.log 2>&1
medalist night report --markdown --runs-dir runs > night2.md
medalist night report --runs-dir runs > night2.txt
medalist night status --runs-dir runs > status-at-the-end.txt
