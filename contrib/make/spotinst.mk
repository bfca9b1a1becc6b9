# For a Makefile: `include spotinst.mk` gives every recipe SPOTINST_TOKEN and, if it is known, SPOTINST_ACCOUNT and
# SPOTINST_ACCOUNT_ID. The program runs once per make, not once per recipe, and make stops if there is no token.
spotinst_variables := $(or $(shell spotinst-cred --format dotenv --min-ttl 30m),\
    $(error no Spotinst token: see the message above))
$(foreach variable,$(spotinst_variables),$(eval export $(variable)))
