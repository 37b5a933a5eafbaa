#!/usr/bin/env bash
# spam DIR…: fails where the local rules of Debian's SpamAssassin give DIR/message.eml more than 2.0 points.
set -euo pipefail
LIMIT=2.0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Each message first gets the headers that the customer's server writes when the provider's relay hands it over, since
# many rules read them.
messages=()
for dir in "$@"; do
  message=$work/$(basename "$dir")
  {
    printf 'Return-Path: <bounce@mss.example.co.jp>\r\n'
    printf 'Received: from relay.mss.example.co.jp (relay.mss.example.co.jp [203.0.113.25])\r\n'
    printf '\tby mx.example.jp (Postfix) with ESMTPS id 4Xyz12345;\r\n\tSun, 01 Nov 2026 09:00:01 +0900 (JST)\r\n'
    cat "$dir/message.eml"
  } >"$message"
  messages+=("$message")
done

# One process for all, as it takes seconds to start. Without network (-L), preferences (-x) and all that it learns from one
# message to the next, so that a score is the message's alone. The relay's address above is one kept for examples.
spamassassin -L -t -x --cf='use_bayes 0' --cf='bayes_auto_learn 0' --cf='use_auto_welcomelist 0' --cf='use_txrep 0' \
  --cf='score RCVD_ILLEGAL_IP 0' \
  --cf='clear_headers' --cf='add_header all Score _SCORE_ _TESTS(,)_' --cf='fold_headers 0' \
  "${messages[@]}" >"$work/out" 2>"$work/err" || { cat "$work/err" >&2; exit 1; }

# A message's own text cannot stand here: it begins with a header of its own, and ours is the first of each message.
mapfile -t scores < <(grep -a '^X-Spam-Score: ' "$work/out" | cut -d ' ' -f 2-)
((${#scores[@]} == $#)) || { cat "$work/err" >&2; echo "SpamAssassin gave ${#scores[@]} scores for $# messages" >&2; exit 1; }

failed=0
for i in "${!scores[@]}"; do
  read -r score rules <<<"${scores[i]}"
  if awk -v score="$score" -v limit=$LIMIT 'BEGIN { exit !(score > limit) }'; then
    echo "$(basename "${messages[i]}"): $score points, at most $LIMIT: $rules" >&2
    failed=1
  else
    echo "    $(basename "${messages[i]}"): $score ($rules)"
  fi
done
exit $failed
