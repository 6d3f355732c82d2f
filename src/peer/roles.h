/* Who plays a party: ROLE(kind, what plays it), each `const struct role_kind` in the file behind it. */
ROLE(PARTY_CLIENT, role_client)  /* client.c */
ROLE(PARTY_SUPERNODE, role_node) /* role_node.c: the same, as answers.c tells them apart */
ROLE(PARTY_NODE, role_node)
ROLE(PARTY_LOGIN_SERVER, role_login_server) /* role_server.c */
ROLE(PARTY_LIST_SERVER, role_list_server)
ROLE(PARTY_VERSION_SERVER, role_version_server) /* role_web.c */
ROLE(PARTY_NAME_SERVER, role_name_server)
ROLE(PARTY_RELAY, role_relay) /* role_relay.c */
