<?php
// Dovecot and the gateway are called by their names in this network, which stand in no certificate: PHP would not connect.
$byName = ['ssl' => ['verify_peer' => false, 'verify_peer_name' => false]];
$config['imap_conn_options'] = $byName;
$config['smtp_conn_options'] = $byName;
